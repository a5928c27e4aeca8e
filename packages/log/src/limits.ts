/** Every bound of this package, by name. What a person may want to turn is in LogConfig or LogResources; these are the rest. */

/** A small append is copied into a chunk of at most this size, shared with its neighbours; the chunk is also the tail cache's unit. */
export const CHUNK_BYTES_MAX = 1024 * 1024;
/** The first chunk of a log that was quiet. Each next one doubles while the log stays busy: an idle partition holds next to nothing. */
export const CHUNK_BYTES_MIN = 4 * 1024;
/** An append of this size or more gets a buffer of its own instead of a place in a chunk. */
export const OWN_BUFFER_BYTES_MIN = 256 * 1024;
/** A chunk that took longer than this to fill is followed by a small one again. */
export const CHUNK_BUSY_MS = 2_000;
/** Chunks of a multiple of this size are kept for reuse by all logs of one LogResources... */
export const REUSED_BYTES_MIN = 128 * 1024;
/** ...as many as fit into this. */
export const FREE_BYTES_MAX = 16 * 1024 * 1024;
/** Recently written bytes that one log keeps in memory for its readers. */
export const TAIL_BYTES_PER_LOG_MAX = 4 * 1024 * 1024;

/** How much goes down in one write; measured best on disks between 256 KiB and 4 MiB. A single batch may be larger. */
export const WRITE_GROUP_BYTES_MAX = 1024 * 1024;
/** With flush.messages=1, written and not yet synced: behind so much writing waits. A crash of the machine may leave holes in it. */
export const UNSYNCED_BYTES_MAX = 4 * 1024 * 1024;
/** Appended and not yet acknowledged, in one log: from here on `isCongested` asks the callers to stop reading from their connections. */
export const PENDING_BYTES_MAX = 32 * 1024 * 1024;
/** Where callers did not listen: the append is refused, retriably. */
export const PENDING_BYTES_HARD_MAX = 4 * PENDING_BYTES_MAX;
/** Segments that were rolled and whose derived files are still being written; appends wait beyond. */
export const SEALS_UNDER_WAY_MAX = 2;

/** No batch is larger; a length beyond is damage. Kafka's own bound is the largest request (100 MiB unless configured). */
export const BATCH_BYTES_MAX = 256 * 1024 * 1024;
/** The largest payload of one batch after decompression: more is refused as MESSAGE_TOO_LARGE. */
export const DECOMPRESSED_BYTES_MAX = 128 * 1024 * 1024;
/** A relative offset and a position must fit an int32 of the index. */
export const SEGMENT_SPAN_MAX = 2_147_483_647;

/** Read at once when a file is scanned. */
export const SCAN_WINDOW_BYTES = 1024 * 1024;
/** An active segment up to this size is scanned at a clean start: cheaper than reading its three indexes. */
export const SMALL_SEGMENT_BYTES = 64 * 1024;
/** Read ahead for readers that follow their logs, over all logs of one LogResources. */
export const READ_AHEAD_BYTES_MAX = 32 * 1024 * 1024;
/** Read beyond what was asked for, so that the batch at hand is found in the first read. */
export const READ_SLACK_BYTES = 8 * 1024;

/** Of one producer, for recognising repeats (Kafka's five; a client has at most five requests in flight). */
export const BATCHES_KEPT_PER_PRODUCER = 5;

/** The event loop is given back after this much work at a stretch in background jobs. */
export const STEP_MS_MAX = 5;
/** Compaction's read and write sizes. */
export const CLEANER_READ_BYTES = 256 * 1024;
export const CLEANER_WRITE_BYTES = 256 * 1024;
/** Memory that the tails of all logs of one LogResources may hold beyond what is still to be written. */
export const TAIL_BYTES_MAX = 64 * 1024 * 1024;
/** A chunk of the tail that is older than this is let go, however small the sum. */
export const TAIL_AGE_MS_MAX = 60_000;
/** Memory for the indexes of sealed segments. */
export const INDEX_BYTES_MAX = 64 * 1024 * 1024;
/** Handles that logs leave to others: checkpoints, the ensemble, small files being replaced. */
export const OPEN_FILES_RESERVE_RATIO = 0.25;
/** An index that says nothing of so much of its segment's end is taken for damaged and built anew. */
export const INDEX_GAP_BYTES_MAX = 16 * 1024 * 1024;
/** Keys of one compaction round (Kafka's log.cleaner.dedupe.buffer.size is 128 MiB for all its threads). */
export const COMPACTION_MAP_BYTES_MAX = 64 * 1024 * 1024;
