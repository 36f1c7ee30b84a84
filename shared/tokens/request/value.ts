import { LargeArray, LargeObject, LargeString } from '#shared/tokens/large-json/large-value.ts'

/** A text of a request: a string, or one so long that it stays in the bytes of the body. */
export type Text = string | LargeString
/** A list of a request, likewise. */
export type List = readonly unknown[] | LargeArray
/** An object that was read: what is long in it may have stayed in the bytes. */
export type Json = Readonly<Record<string, unknown>>

export function isText(value: unknown): value is Text {
  return typeof value === 'string' || value instanceof LargeString
}

export function isList(value: unknown): value is List {
  return Array.isArray(value) || value instanceof LargeArray
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isLarge(value)
}

/** Whether the value stays in the bytes: its JSON is long. */
export function isLarge(value: unknown): value is LargeArray | LargeObject | LargeString {
  return value instanceof LargeString || value instanceof LargeArray || value instanceof LargeObject
}

/** The first about `characters` characters; more where escapes are few. */
export function headOf(text: Text, characters: number): string {
  return typeof text === 'string' ? text.slice(0, characters) : text.head(characters)
}

/** What stands behind the first `characters`, which hold neither escapes nor other than ASCII. */
export function behind(text: Text, characters: number): Text {
  return typeof text === 'string' ? text.slice(characters) : text.from(characters)
}
