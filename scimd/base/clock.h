// SPDX-License-Identifier: MIT
//
// Times and spans as people and SCIM write them.
//
// Wall times are milliseconds since 1970 in UTC (int64_t). CLOCK_NONE means
// "not given": it sorts after every real time.
#ifndef SCIMD_BASE_CLOCK_H
#define SCIMD_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_NONE INT64_MAX
#define CLOCK_TEXT 80 // room for clock_format

int64_t clock_wall(void); // ms
int64_t clock_boot(void); // ms, CLOCK_BOOTTIME
// xsd:dateTime with Z, an offset, or (seen in the field) no zone at all = UTC.
// 0 or -EINVAL.
int clock_parse(const char *text, size_t len, int64_t *ms_out);
// "2026-11-24T11:23:42.123Z"
const char *clock_format(char out[CLOCK_TEXT], int64_t ms);
// "90" "90s" "5min" "1h" "7d" "1h 30min" → seconds; 0, -EINVAL, -ERANGE
int clock_span(const char *text, uint64_t *seconds_out);
// "3 min", "1 h 5 min", "2 d": for people
const char *clock_ago(char out[CLOCK_TEXT], int64_t ms);

#endif
