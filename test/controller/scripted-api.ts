import type { ControllerParts } from '#deploy/controller/controller.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import { isKubernetesObject, type KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'

export const home = 'outrigger-system'

export const platformText = `
models: { assistant: { targets: [{ provider: openai, model: gpt-5 }] } }
providers: { openai: { kind: openai, credentials: [{ name: main, secret: OPENAI_KEY }] } }
`

type Refuse = (method: string, path: string) => KubernetesError | undefined

/** Keeps the messages alone, in `said`. */
export function listeningLog() {
  const said: string[] = []
  const say = (_facts: unknown, message: string) => void said.push(message)
  const mute = () => {}
  const rest = { debug: mute, accessLine: mute, setLevel: mute, flush: mute }
  return { said, log: { info: say, warn: say, error: say, ...rest } }
}

export const refused = (status: number, message = 'exceeded quota') =>
  new KubernetesError(message, { status, reason: 'x' })

/** An API server of objects by path, that tells its watches of nothing; `asked` are all writes. */
export class ScriptedApi {
  readonly objects = new Map<string, KubernetesObject>()
  readonly asked: string[] = []
  refuse: Refuse = () => undefined

  get api(): ControllerParts['api'] {
    const take = async (method: string, path: string, body: unknown): Promise<KubernetesObject> => {
      this.#ask(method, path)
      if (!isKubernetesObject(body)) return { metadata: {} }
      this.objects.set(path, body)
      return body
    }
    return {
      get: async (path) => {
        const refusal = this.refuse('get', path)
        if (refusal !== undefined) throw refusal
        const found = this.objects.get(path)
        if (found === undefined) throw refused(404)
        return found
      },
      list: async (path, query = {}) => {
        const name = String(query['fieldSelector'] ?? '').replace('metadata.name=', '')
        const kind = path.split('/').at(-1) ?? ''
        const items = [...this.objects]
          .filter(([at]) => at.includes(`/${kind}/`) && (name === '' || at.endsWith(`/${name}`)))
          .map(([, object]) => object)
        return { items, resourceVersion: '1' }
      },
      // oxlint-disable-next-line promise/avoid-new
      watch: () => new Promise(() => {}),
      create: (path, body) => {
        const { name = '' } = isKubernetesObject(body) ? body.metadata : {}
        return take('create', `${path}/${name}`, body)
      },
      replace: (path, body) => take('replace', path, body),
      patch: (path, body) => take('patch', path, body),
      remove: async (path) => {
        this.#ask('remove', path)
        this.objects.delete(path)
        return { metadata: {} }
      },
    }
  }

  configMap(namespace: string, name: string): string {
    return `/api/v1/namespaces/${namespace}/configmaps/${name}`
  }

  secret(name: string): string {
    return `/api/v1/namespaces/${home}/secrets/${name}`
  }

  put(path: string, more: Readonly<Record<string, unknown>>): void {
    const [, , , , namespace = '', , name = ''] = path.split('/')
    this.objects.set(path, { ...more, metadata: { name, namespace, resourceVersion: '1' } })
  }

  #ask(method: string, path: string): void {
    this.asked.push(`${method} ${path}`)
    const refusal = this.refuse(method, path)
    if (refusal !== undefined) throw refusal
  }
}
