/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_API_H
#define SW_RUNTIME_API_H

/* What every public header needs: visibility, C linkage, result checking, error detail. */

#ifdef __cplusplus
#define SW_BEGIN_DECLS extern "C" {
#define SW_END_DECLS   }
#else
#define SW_BEGIN_DECLS
#define SW_END_DECLS
#endif

#define SW_API          __attribute__((visibility("default")))
#define SW_MUST_CHECK   __attribute__((warn_unused_result))
#define SW_PRINTF(f, a) __attribute__((format(printf, f, a)))

#ifdef __has_feature
#define SW_HAS_FEATURE(feature) __has_feature(feature)
#else
#define SW_HAS_FEATURE(feature) 0
#endif

/* 1 where the source is compiled with AddressSanitizer, or with ThreadSanitizer; else 0. */
#if defined(__SANITIZE_ADDRESS__) || SW_HAS_FEATURE(address_sanitizer)
#define SW_ASAN 1
#else
#define SW_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__) || SW_HAS_FEATURE(thread_sanitizer)
#define SW_TSAN 1
#else
#define SW_TSAN 0
#endif

/* Of a function that does nothing but fetch ahead: GCC sees no effect, and leaves out its calls. */
#define SW_FETCHES __attribute__((always_inline)) static inline

/* Destructive interference: two lines, because the prefetcher fetches pairs. */
#define SW_CACHE_LINE 128

SW_BEGIN_DECLS

/* Detail of a failure, filled by functions that take one; text is a sentence without a full stop,
 * "which thing: why (limit or hint)", always terminated. */
struct sw_error {
	int code; /* negative errno, as returned */
	char text[252];
};

/* Sets *error (may be null) and returns code, for `return sw_error_set(...)`. code is negative. */
SW_API int sw_error_set(struct sw_error *error, int code, const char *format, ...) SW_PRINTF(3, 4);

/* "0.1.0" */
SW_API const char *sw_version(void);

SW_END_DECLS

#endif
