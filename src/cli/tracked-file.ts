import type { Ingest } from '../app/ingest.ts'

/** A row of the tracker, as the library gives it. */
export type TrackedFile = ReturnType<Ingest['files']> extends AsyncIterable<infer Row> ? Row : never
