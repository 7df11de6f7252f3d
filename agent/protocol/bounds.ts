// The most that one batch may hold. A decoder refuses more before it allocates for it.

/** Bytes of an encoded batch. */
export const MAX_BATCH_BYTES = 4 * 1024 * 1024;
export const MAX_ROWS = 8192;
export const MAX_IDENTITIES = 8192;
export const MAX_GONE = 8192;
export const MAX_SHORTAGES = 1024;
/** Columns in one batch, known and unknown; sections too. */
export const MAX_COLUMNS = 64;
export const MAX_HISTOGRAM_ENTRIES = 131_072;
/** Characters of one string (node name, cgroup path). */
export const MAX_STRING = 4096;
/** Bytes of a reply to a push. */
export const MAX_REPLY_BYTES = 4 * 1024 * 1024;
export const MAX_DIRECTIVES = 64;
/** Media types that a refusal lists. */
export const MAX_ACCEPTS = 16;
