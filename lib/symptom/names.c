/* names.c - codes by name: NTSTATUS of boot screens, bug checks of stop screens.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From ntstatus.h and the bug check reference.
 */
#include "symptom/phrases.h"

static const struct {
	uint32_t code;
	const char *name;
} statuses[] = {
	{ 0xC0000001, "STATUS_UNSUCCESSFUL" },
	{ 0xC0000005, "STATUS_ACCESS_VIOLATION" },
	{ 0xC000000D, "STATUS_INVALID_PARAMETER" },
	{ 0xC000000E, "STATUS_NO_SUCH_DEVICE" },
	{ 0xC000000F, "STATUS_NO_SUCH_FILE" },
	{ 0xC0000011, "STATUS_END_OF_FILE" },
	{ 0xC0000017, "STATUS_NO_MEMORY" },
	{ 0xC0000022, "STATUS_ACCESS_DENIED" },
	{ 0xC0000032, "STATUS_DISK_CORRUPT_ERROR" },
	{ 0xC0000034, "STATUS_OBJECT_NAME_NOT_FOUND" },
	{ 0xC000007B, "STATUS_INVALID_IMAGE_FORMAT" },
	{ 0xC000007F, "STATUS_DISK_FULL" },
	{ 0xC0000098, "STATUS_FILE_INVALID" },
	{ 0xC000009A, "STATUS_INSUFFICIENT_RESOURCES" },
	{ 0xC00000BA, "STATUS_FILE_IS_A_DIRECTORY" },
	{ 0xC00000BB, "STATUS_NOT_SUPPORTED" },
	{ 0xC00000E9, "STATUS_UNEXPECTED_IO_ERROR" },
	{ 0xC0000102, "STATUS_FILE_CORRUPT_ERROR" },
	{ 0xC0000142, "STATUS_DLL_INIT_FAILED" },
	{ 0xC000014C, "STATUS_REGISTRY_CORRUPT" },
	{ 0xC000014F, "STATUS_UNRECOGNIZED_VOLUME" },
	{ 0xC0000185, "STATUS_IO_DEVICE_ERROR" },
	{ 0xC0000218, "STATUS_CANNOT_LOAD_REGISTRY_FILE" },
	{ 0xC000021A, "STATUS_SYSTEM_PROCESS_TERMINATED" },
	{ 0xC0000221, "STATUS_IMAGE_CHECKSUM_MISMATCH" },
	{ 0xC0000225, "STATUS_NOT_FOUND" },
	{ 0xC0000359, "STATUS_INVALID_IMAGE_WIN_64" },
	{ 0xC0000428, "STATUS_INVALID_IMAGE_HASH" },
	{ 0xC0210000, "STATUS_FVE_LOCKED_VOLUME" },
};

static const struct {
	uint32_t code;
	const char *name;
} stops[] = {
	{ 0x01, "APC_INDEX_MISMATCH" }, { 0x0A, "IRQL_NOT_LESS_OR_EQUAL" }, { 0x19, "BAD_POOL_HEADER" }, { 0x1A, "MEMORY_MANAGEMENT" },
	{ 0x1E, "KMODE_EXCEPTION_NOT_HANDLED" }, { 0x22, "FILE_SYSTEM" }, { 0x23, "FAT_FILE_SYSTEM" }, { 0x24, "NTFS_FILE_SYSTEM" },
	{ 0x2E, "DATA_BUS_ERROR" }, { 0x34, "CACHE_MANAGER" }, { 0x3B, "SYSTEM_SERVICE_EXCEPTION" }, { 0x3F, "NO_MORE_SYSTEM_PTES" },
	{ 0x4C, "FATAL_UNHANDLED_HARD_ERROR" }, { 0x4D, "NO_PAGES_AVAILABLE" }, { 0x4E, "PFN_LIST_CORRUPT" },
	{ 0x50, "PAGE_FAULT_IN_NONPAGED_AREA" }, { 0x51, "REGISTRY_ERROR" }, { 0x5A, "CRITICAL_SERVICE_FAILED" },
	{ 0x5C, "HAL_INITIALIZATION_FAILED" }, { 0x67, "CONFIG_INITIALIZATION_FAILED" }, { 0x69, "IO1_INITIALIZATION_FAILED" },
	{ 0x6B, "PROCESS1_INITIALIZATION_FAILED" }, { 0x6F, "SESSION3_INITIALIZATION_FAILED" }, { 0x73, "CONFIG_LIST_FAILED" },
	{ 0x74, "BAD_SYSTEM_CONFIG_INFO" }, { 0x77, "KERNEL_STACK_INPAGE_ERROR" }, { 0x78, "PHASE0_EXCEPTION" },
	{ 0x7A, "KERNEL_DATA_INPAGE_ERROR" }, { 0x7B, "INACCESSIBLE_BOOT_DEVICE" }, { 0x7E, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED" },
	{ 0x7F, "UNEXPECTED_KERNEL_MODE_TRAP" }, { 0x80, "NMI_HARDWARE_FAILURE" }, { 0x8E, "KERNEL_MODE_EXCEPTION_NOT_HANDLED" },
	{ 0x9C, "MACHINE_CHECK_EXCEPTION" }, { 0x9F, "DRIVER_POWER_STATE_FAILURE" }, { 0xA0, "INTERNAL_POWER_ERROR" },
	{ 0xA5, "ACPI_BIOS_ERROR" }, { 0xC1, "SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION" }, { 0xC2, "BAD_POOL_CALLER" },
	{ 0xC4, "DRIVER_VERIFIER_DETECTED_VIOLATION" }, { 0xC5, "DRIVER_CORRUPTED_EXPOOL" }, { 0xCA, "PNP_DETECTED_FATAL_ERROR" },
	{ 0xD1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL" }, { 0xE2, "MANUALLY_INITIATED_CRASH" }, { 0xEA, "THREAD_STUCK_IN_DEVICE_DRIVER" },
	{ 0xED, "UNMOUNTABLE_BOOT_VOLUME" }, { 0xEF, "CRITICAL_PROCESS_DIED" }, { 0xF4, "CRITICAL_OBJECT_TERMINATION" },
	{ 0xF7, "DRIVER_OVERRAN_STACK_BUFFER" }, { 0xF8, "RAMDISK_BOOT_INITIALIZATION_FAILED" },
	{ 0xFC, "ATTEMPTED_EXECUTE_OF_NOEXECUTE_MEMORY" }, { 0x101, "CLOCK_WATCHDOG_TIMEOUT" }, { 0x109, "CRITICAL_STRUCTURE_CORRUPTION" },
	{ 0x116, "VIDEO_TDR_FAILURE" }, { 0x120, "BITLOCKER_FATAL_ERROR" }, { 0x124, "WHEA_UNCORRECTABLE_ERROR" },
	{ 0x133, "DPC_WATCHDOG_VIOLATION" }, { 0x135, "REGISTRY_FILTER_DRIVER_EXCEPTION" }, { 0x139, "KERNEL_SECURITY_CHECK_FAILURE" },
	{ 0x13A, "KERNEL_MODE_HEAP_CORRUPTION" }, { 0x13D, "CRITICAL_INITIALIZATION_FAILURE" }, { 0x145, "SECURE_BOOT_VIOLATION" },
	{ 0x154, "UNEXPECTED_STORE_EXCEPTION" }, { 0x178, "ELAM_DRIVER_DETECTED_FATAL_ERROR" }, { 0x18B, "SECURE_KERNEL_ERROR" },
	{ 0x1CA, "SYNTHETIC_WATCHDOG_TIMEOUT" }, { 0x20001, "HYPERVISOR_ERROR" },
};

const char *cf_status_name_of(uint32_t code)
{
	for (size_t i = 0; i < CF_ARRAY_LEN(statuses); i++)
		if (statuses[i].code == code)
			return statuses[i].name;
	return NULL;
}

const char *cf_stop_name_of(uint32_t code)
{
	for (size_t i = 0; i < CF_ARRAY_LEN(stops); i++)
		if (stops[i].code == code)
			return stops[i].name;
	return cf_status_name_of(code);
}

/* The best match has to be a good one and clearly better than any other: the longest that contains another's name wins by length. */
bool cf_stop_by_name(const char *text, uint32_t *code)
{
	CF_BUF folded = { 0 };
	double best = 0;
	size_t best_length = 0;
	if (cf_fold(text, strlen(text), &folded) < 0)
		return false;
	for (size_t i = 0; i < CF_ARRAY_LEN(stops); i++) {
		CF_BUF name = { 0 };
		size_t end;
		if (cf_fold(stops[i].name, strlen(stops[i].name), &name) < 0)
			return false;
		unsigned d = cf_distance_in(cf_buf_span(&folded), cf_buf_span(&name), &end);
		double q = 1 - (double)d / (double)name.n;
		if (name.n < 12 || q < 0.8) /* "file system" is said of other things too */
			continue;
		double weight = (double)name.n - 2.0 * d;
		if (weight > best) {
			best = weight;
			best_length = name.n;
			*code = stops[i].code;
		}
	}
	return best_length > 0;
}
