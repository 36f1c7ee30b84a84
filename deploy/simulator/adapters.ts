import { isFields, parseJson, textOr } from './narrow.ts'
import { type Page, plain } from './page.ts'
import { Refusal, refusalBody } from './refusal.ts'

// Names come from requests: a server that is asked for ever must not fill its memory.
const adaptersMax = 1_000

/** The LoRA adapters a replica answers for, and vLLM's endpoints that add and remove them. */
export class Adapters {
  readonly #names: Set<string>

  constructor(names: readonly string[]) {
    this.#names = new Set(names)
  }

  get names(): readonly string[] {
    return [...this.#names]
  }

  /** `POST /v1/load_lora_adapter`. Adapters are found at every path below `/models/`. */
  load(bodyText: string): Page {
    const { name, path, isInPlace } = fieldsOf(bodyText)
    if (name === '' || path === '') {
      return refused(400, 'InvalidUserInput', "Both 'lora_name' and 'lora_path' must be provided.")
    }
    if (this.#names.has(name) && !isInPlace) {
      const message = `The lora adapter '${name}' has already been loaded. If you want to load the adapter in place, set 'load_inplace' to True.`
      return refused(400, 'InvalidUserInput', message)
    }
    if (!path.startsWith('/models/') || this.#names.size >= adaptersMax) {
      const message = `Loading lora ${name} failed: No adapter found for ${path}`
      return refused(404, 'NotFoundError', message)
    }
    this.#names.add(name)
    return said(`Success: LoRA adapter '${name}' added successfully.`)
  }

  /** `POST /v1/unload_lora_adapter`. */
  unload(bodyText: string): Page {
    const { name } = fieldsOf(bodyText)
    if (name === '') {
      const message = "'lora_name' needs to be provided to unload a LoRA adapter."
      return refused(400, 'InvalidUserInput', message)
    }
    if (!this.#names.delete(name)) {
      return refused(404, 'NotFoundError', `The lora adapter '${name}' cannot be found.`)
    }
    return said(`Success: LoRA adapter '${name}' removed successfully.`)
  }
}

function fieldsOf(bodyText: string): { name: string; path: string; isInPlace: boolean } {
  const parsed = parseJson(bodyText)
  const body = isFields(parsed) ? parsed : {}
  const [name, path] = [textOr(body['lora_name'], ''), textOr(body['lora_path'], '')]
  return { name, path, isInPlace: body['load_inplace'] === true }
}

function said(body: string): Page {
  return { status: 200, body, headers: plain }
}

function refused(status: number, type: string, message: string): Page {
  const body = refusalBody(new Refusal(status, type, { message }), '')
  return { status, body, headers: { 'content-type': 'application/json' } }
}
