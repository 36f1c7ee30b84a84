/** The flag of the result: `u`, or `v` where classes hold classes. */
export type Syntax = 'u' | 'v'

/** An expression that takes the flag `v`. */
export class NeedsNestedClasses extends Error {}

/** `\w` of Oniguruma with UTF-8, for use in a class. */
export const wordClass = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}`

/** `\p{Han}` is short for the script in Oniguruma, and an error in JavaScript. */
export function property(name: string, isNegated: boolean): string {
  const letter = isNegated ? 'P' : 'p'
  for (const full of [name, `Script=${name}`]) {
    try {
      return new RegExp(`\\${letter}{${full}}`, 'u').source
    } catch {
      // No property of this name: as a script's name, at last as an error of our own.
    }
  }
  throw new SyntaxError(`"\\p{${name}}" is no property`)
}
