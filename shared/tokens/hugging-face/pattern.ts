import type { Field } from './field.ts'
import { translate } from './oniguruma.ts'

/**
 * The regular expression of a `pattern`: `{ "String": … }` or `{ "Regex": … }`, the latter in the
 * syntax of Oniguruma. Throws {@link TokenizerFileError}.
 *
 * A file is configuration, not a caller's text: expressions that nest unbounded repetitions, whose
 * time can be exponential in the text, are refused; one whose time is quadratic is not found out.
 */
export function compilePattern(field: Field): RegExp {
  const string = field.get('String')
  if (!string.isAbsent) return new RegExp(RegExp.escape(string.text()), 'gu')
  const regex = field.get('Regex')
  try {
    const { source, flag } = translate(regex.text())
    return new RegExp(source, `g${flag}`)
  } catch (error) {
    if (error instanceof SyntaxError) return regex.refuse(`is not supported: ${error.message}`)
    throw error
  }
}
