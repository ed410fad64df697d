// SPDX-License-Identifier: MIT
//
// What is still to be done outside of the store (lock-outs, hooks), kept in it so
// that a restart goes on: texts by key, in key order. Keys are 1 to 500 bytes.
#ifndef SCIMD_STORE_QUEUE_H
#define SCIMD_STORE_QUEUE_H

#include "scimd/store/store.h"

int store_queue_put(struct store_txn *t, const char *key, const char *text); // 0, -errno
int store_queue_drop(struct store_txn *t, const char *key);                  // also when not there
// fn gets every key that begins with prefix; it returns 0 to go on, anything else ends
// the walk and is returned. The text is NUL-terminated and valid until fn returns.
int store_queue_each(struct store_txn *t, const char *prefix,
		     int (*fn)(void *arg, const char *key, const char *text), void *arg);

#endif
