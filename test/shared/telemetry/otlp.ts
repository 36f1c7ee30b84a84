import * as v from 'valibot'

/** A span as it stood in an OTLP/HTTP JSON body. */
export interface OtlpSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly traceState: string | undefined
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number
  readonly startMs: number
  readonly endMs: number
  /** Whether its parent is in another process; undefined where that is not said. */
  readonly hasRemoteParent: boolean | undefined
  /** 2 is an error. */
  readonly status: { code?: number | undefined; message?: string | undefined }
  readonly attributes: Record<string, unknown>
  readonly events: { name: string; atMs: number; attributes: Record<string, unknown> }[]
  readonly resource: Record<string, unknown>
}

/*
 * The messages of opentelemetry-proto v1 in their JSON form, written down from the standard and not
 * from what the exporter sends: an unknown member or another type is an error. 64-bit numbers are
 * text or numbers there, ids hexadecimal.
 */
const hex = (digits: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${digits}}$`)))
const uint32 = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1))
const nanos = v.pipe(v.string(), v.regex(/^[1-9]\d{17,18}$/))
const int64 = v.union([v.pipe(v.number(), v.integer()), v.pipe(v.string(), v.regex(/^-?\d+$/))])

const scalar = v.union([
  v.strictObject({ stringValue: v.string() }),
  v.strictObject({ intValue: int64 }),
  v.strictObject({ doubleValue: v.number() }),
  v.strictObject({ boolValue: v.boolean() }),
])
const value = v.union([
  scalar,
  v.strictObject({ arrayValue: v.strictObject({ values: v.optional(v.array(scalar), []) }) }),
])
const attributes = v.array(v.strictObject({ key: v.pipe(v.string(), v.minLength(1)), value }))

const event = v.strictObject({
  timeUnixNano: nanos,
  name: v.pipe(v.string(), v.minLength(1)),
  attributes,
  droppedAttributesCount: v.optional(uint32),
})

const wireSpan = v.strictObject({
  traceId: hex(32),
  spanId: hex(16),
  parentSpanId: v.optional(hex(16)),
  traceState: v.optional(v.string()),
  flags: v.optional(uint32),
  name: v.pipe(v.string(), v.minLength(1)),
  kind: v.picklist([1, 2, 3, 4, 5]),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes,
  droppedAttributesCount: v.optional(uint32),
  events: v.array(event),
  droppedEventsCount: v.optional(uint32),
  links: v.tuple([]),
  droppedLinksCount: v.optional(uint32),
  status: v.strictObject({
    code: v.optional(v.picklist([0, 1, 2])),
    message: v.optional(v.string()),
  }),
})

const exportRequest = v.strictObject({
  resourceSpans: v.array(
    v.strictObject({
      resource: v.strictObject({ attributes, droppedAttributesCount: v.optional(uint32) }),
      schemaUrl: v.optional(v.string()),
      scopeSpans: v.array(
        v.strictObject({
          scope: v.strictObject({ name: v.string(), version: v.optional(v.string()) }),
          schemaUrl: v.optional(v.string()),
          spans: v.array(wireSpan),
        }),
      ),
    }),
  ),
})

type WireSpan = v.InferOutput<typeof wireSpan>
type Resource = OtlpSpan['resource']

/** Reads the spans of one export request. Throws where it is not what the standard says. */
export function readOtlp(json: string): OtlpSpan[] {
  const { resourceSpans } = v.parse(exportRequest, JSON.parse(json))
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => readSpan(span, read(resource.attributes))),
    ),
  )
}

/** Bits of `flags` beyond those of W3C: whether the parent's place is known, and what it is. */
const hasPlace = 0x100
const isRemote = 0x200

function readSpan(span: WireSpan, resource: Resource): OtlpSpan {
  const { name, traceId, spanId, parentSpanId, traceState, kind, status, flags = 0 } = span
  return {
    name,
    traceId,
    spanId,
    parentSpanId,
    traceState,
    kind,
    startMs: Number(span.startTimeUnixNano) / 1e6,
    endMs: Number(span.endTimeUnixNano) / 1e6,
    hasRemoteParent: (flags & hasPlace) === 0 ? undefined : (flags & isRemote) !== 0,
    status,
    attributes: read(span.attributes),
    events: span.events.map((one) => ({
      name: one.name,
      atMs: Number(one.timeUnixNano) / 1e6,
      attributes: read(one.attributes),
    })),
    resource,
  }
}

function read(list: v.InferOutput<typeof attributes>): Record<string, unknown> {
  const keys = new Set(list.map(({ key }) => key))
  if (keys.size !== list.length) throw new Error('Cannot read the attributes: one occurs twice')
  return Object.fromEntries(list.map((one) => [one.key, plain(one.value)]))
}

function plain(given: v.InferOutput<typeof value>): unknown {
  if ('arrayValue' in given) return given.arrayValue.values.map(plain)
  if ('intValue' in given) return Number(given.intValue)
  return Object.values(given)[0]
}
