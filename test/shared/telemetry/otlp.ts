/** A span as it stood in an OTLP/HTTP JSON body. */
export interface OtlpSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number
  readonly startMs: number
  /** 2 is an error. */
  readonly status: { code?: number; message?: string }
  readonly attributes: Record<string, unknown>
  readonly events: { name: string; attributes: Record<string, unknown> }[]
  readonly resource: Record<string, unknown>
}

interface Value {
  readonly stringValue?: string
  readonly intValue?: number | string
  readonly doubleValue?: number
  readonly boolValue?: boolean
  readonly arrayValue?: { values?: Value[] }
}

interface Attribute {
  readonly key: string
  readonly value: Value
}

interface WireSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly status: { code?: number; message?: string }
  readonly attributes: Attribute[]
  readonly events: { name: string; attributes: Attribute[] }[]
}

interface Body {
  readonly resourceSpans: {
    readonly resource: { attributes: Attribute[] }
    readonly scopeSpans: { readonly spans: WireSpan[] }[]
  }[]
}

/** Reads the spans of one export request. */
export function readOtlp(json: string): OtlpSpan[] {
  const body: Body = JSON.parse(json)
  return body.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => readSpan(span, read(resource.attributes))),
    ),
  )
}

function readSpan(span: WireSpan, resource: Record<string, unknown>): OtlpSpan {
  return {
    name: span.name,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    kind: span.kind,
    startMs: Number(BigInt(span.startTimeUnixNano) / 1_000_000n),
    status: span.status,
    attributes: read(span.attributes),
    events: span.events.map(({ name, attributes }) => ({ name, attributes: read(attributes) })),
    resource,
  }
}

function read(attributes: Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]))
}

function plain(value: Value): unknown {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain)
  if (value.intValue !== undefined) return Number(value.intValue)
  return value.stringValue ?? value.doubleValue ?? value.boolValue
}
