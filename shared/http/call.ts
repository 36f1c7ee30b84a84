import type { Family } from '#shared/dialects/surfaces.ts'
import type { Body } from './body.ts'
import type { HeaderList } from './headers.ts'
import type { Upload } from './upload.ts'

/** A request body that nobody has read yet. */
export interface IncomingBody {
  /** As the head says; undefined when chunked or absent. */
  readonly declaredBytes: number | undefined
  readonly contentEncoding: string | undefined
  /** Answers `expect: 100-continue` and starts the flow. */
  read(sink: IncomingSink): void
  pause(): void
  resume(): void
}

export interface IncomingSink {
  data(chunk: Buffer): void
  end(): void
  /** The caller's connection is gone. */
  gone(): void
}

/** What the application (or the sidecar) asked. */
export interface CallRequest {
  readonly method: string
  /** Without query. */
  readonly path: string
  /** With its question mark, or empty. */
  readonly query: string
  /** Whose client asks, where the path as it was written says so. */
  readonly family?: Family | undefined
  readonly headers: HeaderList
  readonly incoming: IncomingBody
  /** The whole body, decompressed, once the layer `receive` has read it; empty before. */
  readonly body: Buffer
  /** The body where it is sent on while it is read; `body` is empty then. */
  readonly upload?: Upload | undefined
}

/** What it is answered. `body` ends with one of the four endings of `ending.ts`. */
export interface CallResponse {
  readonly status: number
  /** As {@link HeaderList}; the one who answers makes it, and those around it may add to it. */
  readonly headers: string[]
  readonly body: Body
  /** Asked once the body has ended; announced by a `trailer` header among `headers`. */
  readonly trailers?: (() => [string, string][]) | undefined
}
