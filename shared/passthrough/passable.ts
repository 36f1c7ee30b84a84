import { type Surface, surfaceOf } from '#shared/dialects/surfaces.ts'

/** What a path is for, and so which providers have it. */
export type PassName =
  | 'moderations'
  | 'rerank'
  | 'rerank-v2'
  | 'score'
  | 'images'
  | 'speech'
  | 'transcriptions'
  | 'ocr'
  | 'files'
  | 'uploads'
  | 'batches'
  | 'batch-requests'
  | 'batch-jobs'
  | 'vector-stores'
  | 'stored-completions'
  | 'fine-tuning'
  | 'conversations'
  | 'containers'
  | 'assistants'
  | 'message-batches'

/** One path that passes to a provider as it is. */
export interface Passable {
  readonly name: PassName
  /** Segments; `{id}` stands for one, `{rest}` at the end for one or more. */
  readonly form: string
  readonly methods: readonly string[]
  /** What says where it goes: a model, or the credential that the tenant owns. */
  readonly needs: 'model' | 'owner'
}

const post = ['POST']
const get = ['GET']
const getPost = ['GET', 'POST']
const getDelete = ['GET', 'DELETE']
const every = ['GET', 'POST', 'DELETE']

const model = (name: PassName, form: string): Passable => ({
  name,
  form,
  methods: post,
  needs: 'model',
})
const owner = (name: PassName, form: string, methods: readonly string[]): Passable => ({
  name,
  form,
  methods,
  needs: 'owner',
})

/**
 * The allow-list. What leaves nothing behind needs a model: nothing else says whom to ask, what the tenant
 * may use, and what it is charged for. What is stored needs a credential of the tenant's own, since
 * everybody with the key may list and change it. Sources: https://platform.openai.com/docs/api-reference,
 * https://docs.anthropic.com/en/api, https://docs.mistral.ai/api, https://docs.x.ai/docs/api-reference and
 * docs.vllm.ai, "Online serving".
 */
export const passables: readonly Passable[] = [
  model('moderations', '/v1/moderations'),
  model('rerank', '/v1/rerank'),
  model('rerank-v2', '/v2/rerank'),
  model('score', '/v1/score'),
  model('images', '/v1/images/generations'),
  model('images', '/v1/images/edits'),
  model('images', '/v1/images/variations'),
  model('speech', '/v1/audio/speech'),
  model('transcriptions', '/v1/audio/transcriptions'),
  model('transcriptions', '/v1/audio/translations'),
  model('ocr', '/v1/ocr'),
  owner('files', '/v1/files', getPost),
  owner('files', '/v1/files/{id}', getDelete),
  owner('files', '/v1/files/{id}/content', get),
  owner('uploads', '/v1/uploads', post),
  owner('uploads', '/v1/uploads/{id}/{rest}', post),
  owner('batches', '/v1/batches', getPost),
  owner('batches', '/v1/batches/{id}', get),
  owner('batches', '/v1/batches/{id}/cancel', post),
  owner('batch-requests', '/v1/batches/{id}/requests', getPost),
  owner('batch-requests', '/v1/batches/{id}/results', get),
  owner('batch-requests', '/v1/batches/{id}:cancel', post),
  owner('batch-jobs', '/v1/batch/jobs', getPost),
  owner('batch-jobs', '/v1/batch/jobs/{id}', get),
  owner('batch-jobs', '/v1/batch/jobs/{id}/cancel', post),
  owner('vector-stores', '/v1/vector_stores', getPost),
  owner('vector-stores', '/v1/vector_stores/{rest}', every),
  owner('stored-completions', '/v1/chat/completions', get),
  owner('stored-completions', '/v1/chat/completions/{id}', every),
  owner('stored-completions', '/v1/chat/completions/{id}/messages', get),
  owner('fine-tuning', '/v1/fine_tuning/{rest}', every),
  owner('conversations', '/v1/conversations', post),
  owner('conversations', '/v1/conversations/{rest}', every),
  owner('containers', '/v1/containers', getPost),
  owner('containers', '/v1/containers/{rest}', every),
  owner('assistants', '/v1/assistants', getPost),
  owner('assistants', '/v1/assistants/{id}', every),
  owner('assistants', '/v1/threads', post),
  owner('assistants', '/v1/threads/{rest}', every),
  owner('message-batches', '/v1/messages/batches', getPost),
  owner('message-batches', '/v1/messages/batches/{id}', getDelete),
  owner('message-batches', '/v1/messages/batches/{id}/cancel', post),
  owner('message-batches', '/v1/messages/batches/{id}/results', get),
]

/** As ids are written; a dot segment, an escaped slash or an empty one would be another path there. */
const segment = '(?!\\.{1,2}(?:/|$))[A-Za-z0-9_.:~-]{1,256}'

interface Compiled {
  readonly passable: Passable
  readonly pattern: RegExp
  readonly surface: Surface
}

function compiled(passable: Passable): Compiled {
  const { form, name } = passable
  const source = form
    .replace('{rest}', `${segment}(?:/${segment}){0,5}`)
    .replaceAll('{id}', segment)
  const dialect = name === 'message-batches' ? 'messages' : 'chat'
  const surface: Surface = { path: form, dialect, wants: 'pass', operation: name }
  return { passable, surface, pattern: new RegExp(`^${source}$`) }
}

/** By the first two segments: nearly every call asks for none of them. */
const byRoot = Map.groupBy(passables.map(compiled), ({ passable }) => rootOf(passable.form))

function rootOf(path: string): string {
  return path.split('/', 3).join('/')
}

/** What `method` and `path` ask for, where it passes. */
export interface Passing {
  readonly passable: Passable
  /** For metrics and spans: its path is the form. */
  readonly surface: Surface
}

/** The methods of a path that has others. */
export interface WrongMethod {
  readonly allowed: string
}

/** Undefined where nothing passes on the path, or a surface answers it. */
export function passingOf(method: string, path: string): Passing | WrongMethod | undefined {
  // What nearly every call is: nothing passes on POST where a surface answers it.
  if (method === 'POST' && surfaceOf(path) !== undefined) return undefined
  const found = byRoot.get(rootOf(path))?.filter(({ pattern }) => pattern.test(path)) ?? []
  const fit = found.find(({ passable }) => passable.methods.includes(method))
  if (fit !== undefined) return fit
  if (found.length === 0 || surfaceOf(path) !== undefined) return undefined
  return { allowed: found.flatMap(({ passable }) => passable.methods).join(' or ') }
}
