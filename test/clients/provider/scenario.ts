import { sample } from '#deploy/simulator/tool-choice.ts'
import type { Question } from './question.ts'

export interface Call {
  readonly id: string
  readonly name: string
  /** JSON text. */
  readonly input: string
}

/** What the model says: calls of tools, or a text. */
export interface Said {
  readonly calls: readonly Call[]
  readonly text: string
}

/** Every offered tool is called once; then what they said is repeated. */
export function say({ tools, results, schema, images, text }: Question): Said {
  if (results.length > 0) {
    return { calls: [], text: `The tools say: ${results.map((result) => result.text).join(', ')}` }
  }
  if (tools.length > 0) {
    const calls = tools.map(({ name, schema: form }, at) => ({
      id: `call_${at + 1}`,
      name,
      input: JSON.stringify(sample(form, 0)),
    }))
    return { calls, text: '' }
  }
  if (schema !== undefined) return { calls: [], text: JSON.stringify(sample(schema, 0)) }
  if (images.length > 0) return { calls: [], text: `Images of ${images.join(' and ')} bytes` }
  return { calls: [], text: `You said ${text}` }
}

/** A text in the pieces in which it is streamed. */
export function piecesOf(text: string): string[] {
  return text.match(/\s*\S+/g) ?? []
}

export const tokens = { input: 12, cached: 4, output: 7 }
