// SPDX-License-Identifier: MIT
//
// From the ledger: whose number is whose SCIM id, and since when. The image does not
// have it; reports for auditors want it. In pages, so that no answer is too long.
#include "scimd/agent/agent.h"
#include "scimd/agent/answer.h"
#include "scimd/agent/control.h"
#include "scimd/agent/explain.h"
#include "scimd/base/clock.h"
#include "scimd/base/fail.h"
#include "scimd/scim/json.h"
#include "scimd/scim/resource.h"
#include "scimd/store/store.h"
#include <json-c/json.h>

#define PEOPLE_PAGE 20000

struct people {
	struct json_object *list;
	int64_t from, at;
};

// 1: the page is full.
static int people_entry(void *arg, const struct store_ledger *l)
{
	struct people *p = arg;
	struct json_object *o;
	char at[CLOCK_TEXT];

	if (l->kind != RESOURCE_USER || p->at++ < p->from)
		return 0;
	if (json_object_array_length(p->list) == PEOPLE_PAGE)
		return 1;
	o = json_object_new_object();
	(void)json_object_object_add(o, "uid", json_object_new_int64(l->uid));
	answer_str(o, "id", l->id);
	answer_str(o, "source", l->source);
	answer_str(o, "since", clock_format(at, l->first_seen));
	(void)json_object_array_add(p->list, o);
	return 0;
}

void command_people(struct control_call *call)
{
	struct json_object *from = json_member(call->request, "from"), *o;
	struct people p = { .from = from ? json_object_get_int64(from) : 0 };
	struct store_txn *view;
	struct fail f = { "" };
	int r = store_view(agent_store(call->agent), &view, &f);

	if (r < 0) {
		control_error(call, "failed", f.text);
		return;
	}
	p.list = json_object_new_array();
	r = store_ledger_each(view, people_entry, &p);
	store_view_end(view);
	if (r < 0) {
		json_object_put(p.list);
		control_error(call, "failed", "the store cannot be read");
		return;
	}
	o = json_object_new_object();
	(void)json_object_object_add(o, "schema", json_object_new_int(1));
	(void)json_object_object_add(o, "people", p.list);
	if (r == 1)
		(void)json_object_object_add(o, "next",
					     json_object_new_int64(p.from + PEOPLE_PAGE));
	control_ok(call, o);
}
