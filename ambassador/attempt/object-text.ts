const space = new Set([9, 10, 13, 32])
const openBrace = 123
const closeBrace = 125

/** Whether the bytes begin and end as an object does. */
export function isObjectText(whole: Buffer): boolean {
  let end = whole.length - 1
  while (space.has(whole[end] ?? 0)) end--
  return beginsObject(whole) && whole[end] === closeBrace && startOf(whole) < end
}

/** Whether the bytes begin as an object does. */
export function beginsObject(bytes: Buffer): boolean {
  return bytes[startOf(bytes)] === openBrace
}

function startOf(bytes: Buffer): number {
  let start = 0
  while (space.has(bytes[start] ?? 0)) start++
  return start
}
