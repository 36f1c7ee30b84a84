/**
 * Whether `name` is the model `stem` or a dated or deployed form of it: `gpt-4-0613` is `gpt-4` and
 * `claude-opus-4-20250514` is `claude-opus-4`, but `gpt-4o`, `gpt-5.1` and `claude-opus-4-8` are
 * other models than `gpt-4`, `gpt-5` and `claude-opus-4`.
 */
export function isModel(name: string, stem: string): boolean {
  if (!name.startsWith(stem)) return false
  return /^(?:$|:|-(?!\d{1,2}(?:[-.:]|$)))/.test(name.slice(stem.length))
}
