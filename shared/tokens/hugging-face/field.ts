/** A tokenizer file that cannot be counted with. The message names the field. */
export class TokenizerFileError extends Error {
  override name = 'TokenizerFileError'
}

/** A value of the parsed file and where it stands in it: every refusal names its field. */
export class Field {
  readonly value: unknown
  readonly path: string

  constructor(value: unknown, path: string) {
    this.value = value
    this.path = path
  }

  /** Whether the field is absent or null, which the format does not tell apart. */
  get isAbsent(): boolean {
    return this.value === undefined || this.value === null
  }

  get(key: string): Field {
    const path = this.path === '' ? key : `${this.path}.${key}`
    const { value } = this
    if (!isRecord(value)) return this.refuse('is not an object')
    return new Field(Object.hasOwn(value, key) ? value[key] : undefined, path)
  }

  text(): string {
    return typeof this.value === 'string' ? this.value : this.refuse('is not a string')
  }

  /** Without `fallback`, an absent field is refused. */
  flag(fallback?: boolean): boolean {
    if (this.isAbsent && fallback !== undefined) return fallback
    return typeof this.value === 'boolean' ? this.value : this.refuse('is not true or false')
  }

  /** A whole number from 0 to `most`. */
  count(most: number): number {
    const { value } = this
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most) {
      return this.refuse(`is not a whole number up to ${most}`)
    }
    return value
  }

  values(): readonly unknown[] {
    return Array.isArray(this.value) ? this.value : this.refuse('is not a list')
  }

  list(): readonly Field[] {
    return this.values().map((value, index) => new Field(value, `${this.path}[${index}]`))
  }

  entries(): readonly [string, unknown][] {
    return isRecord(this.value) ? Object.entries(this.value) : this.refuse('is not an object')
  }

  refuse(state: string): never {
    throw new TokenizerFileError(`Cannot use tokenizer.json: ${this.path || 'the file'} ${state}`)
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
