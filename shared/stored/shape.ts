/**
 * What a string is at its place: an id of a stored response, of one of its items, of a container or a
 * conversation; `approval`, the item that an answer approves; `owned`, an id of what is made outside
 * of Responses (files, vector stores, prompts, skills, tunnels); `chosen`, a response's id that the
 * caller makes up; `told`, a container that a citation of an earlier answer names: nobody looks it up,
 * but it is told again; `type` and `role`, what an item says of itself.
 */
export type Place =
  | 'response'
  | 'item'
  | 'approval'
  | 'container'
  | 'conversation'
  | 'owned'
  | 'chosen'
  | 'told'
  | 'type'
  | 'role'

/** Where ids stand in a JSON value: what no shape names is passed over. */
export interface Shape {
  /** What the value is where it is a string. */
  readonly text?: Place
  /** Of an object. */
  readonly members?: ReadonlyMap<string, Shape>
  /** Of each value of an array. */
  readonly items?: Shape
}

const text = (place: Place): Shape => ({ text: place })
const list = (items: Shape): Shape => ({ items })
const object = (members: Readonly<Record<string, Shape>>): Shape => ({
  members: new Map(Object.entries(members)),
})

// Places as the official client has them: openai 7.57.0, resources/responses/responses.d.ts.
// Passed everywhere, since they address nothing that is stored: `call_id`, `caller_id` and safety
// checks (they tie items of one question together), `connector_id` (a word of a closed list),
// `stream_id` (WebSocket only), `file_id` and `filename` of citations and search results (told, not
// asked for). `encrypted_content` is no id: its provider binds it to the organization that it was
// made for, and refuses it elsewhere.

const container = text('container')
const environment = object({ container_id: container })
const annotation = object({ container_id: container })
const part = object({ annotations: list(annotation) })
const answeredTools = list(object({ container, environment }))

const item = object({
  id: text('item'),
  approval_request_id: text('item'),
  container_id: container,
  content: list(part),
  environment,
})

const answered = {
  id: text('response'),
  previous_response_id: text('response'),
  prompt_cache_options: object({ comparison_response_id: text('response') }),
  conversation: object({ id: text('conversation') }),
  output: list(item),
  // A string, or items.
  instructions: list(item),
  tools: answeredTools,
}

/**
 * A response, an event of its stream, a list of items, or the proof of a deletion: they share no
 * member with two meanings.
 */
export const answerShape: Shape = object({
  ...answered,
  response: object(answered),
  item,
  item_id: text('item'),
  part,
  annotation,
  data: list(item),
  first_id: text('item'),
  last_id: text('item'),
})

const owned = text('owned')
const files = list(owned)

/** A tool may hold others: `tools` of a namespace. */
const toolMembers = new Map<string, Shape>()
const tools: Shape = list({ members: toolMembers })
for (const [key, shape] of Object.entries({
  container: { text: 'container', ...object({ file_ids: files, container_id: container }) },
  file_ids: files,
  vector_store_ids: list(owned),
  input_image_mask: object({ file_id: owned }),
  tunnel_id: owned,
  environment: object({
    container_id: container,
    file_ids: files,
    skills: list(object({ skill_id: owned })),
  }),
  tools,
} satisfies Record<string, Shape>)) {
  toolMembers.set(key, shape)
}

// What a question may say and an answer repeats must be looked at here: or it comes back sealed.
const askedPart = object({
  file_id: owned,
  annotations: list(object({ container_id: text('told') })),
})

const askedItem = object({
  id: text('item'),
  type: text('type'),
  role: text('role'),
  approval_request_id: text('approval'),
  container_id: container,
  content: list(askedPart),
  // A list of parts, or a screenshot.
  output: { ...list(askedPart), ...askedPart },
  environment: object({ container_id: container, skills: list(object({ skill_id: owned })) }),
  tools,
})

/** The body of a question to `/v1/responses` or `/v1/responses/input_tokens`. */
export const questionShape: Shape = object({
  previous_response_id: text('response'),
  prompt_cache_options: object({ comparison_response_id: text('response') }),
  conversation: { ...text('conversation'), ...object({ id: text('conversation') }) },
  prompt: object({ id: owned }),
  input: list(askedItem),
  // Documented as a text; answers have items there, too.
  instructions: list(askedItem),
  tools,
  // vLLM names the response by it, and what is stored under the name is overwritten.
  request_id: text('chosen'),
})

/**
 * What stands under `key` of an object. Some readers take a key for one that differs in its case: Go's,
 * by Unicode's folding.
 */
export function memberOf(shape: Shape | undefined, key: string): Shape | undefined {
  const members = shape?.members
  if (members === undefined) return undefined
  return members.get(key) ?? (plainKey.test(key) ? undefined : members.get(folded(key)))
}

const plainKey = /^[a-z0-9_]*$/

function folded(key: string): string {
  return key.toUpperCase().toLowerCase()
}
