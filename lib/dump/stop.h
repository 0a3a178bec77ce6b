/* stop.h - stop codes: names, and what their parameters mean.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CF_DUMP_STOP_H
#define CF_DUMP_STOP_H

#include <stdint.h>

#define CF_STOP_MINIDUMP 0x10000000u /* the bit that tells 0x1000007E from 0x7E */

/* "KERNEL_SECURITY_CHECK_FAILURE"; NULL: not in the table. 0x1000007E and its like have names of their own, with _M. */
const char *cf_stop_name(uint32_t code);

/* What parameter n (0 to 3) of this stop means, when the parameters are these: some speak of the others. In English, marked for translation;
 * NULL: not known, or not used. The codes with CF_STOP_MINIDUMP mean what those without do. */
const char *cf_stop_parameter(uint32_t code, const uint64_t parameter[4], unsigned n);

/* "STATUS_ACCESS_VIOLATION" for 0xC0000005, sign-extended or not; NULL: none of those known here. */
const char *cf_ntstatus_name(uint64_t value);

#endif
