/** The base64 text of a PNG's head: enough for whoever reads only the size. */
export function pngBase64(width: number, height: number): string {
  const bytes = Buffer.alloc(33)
  bytes.write('89504e470d0a1a0a0000000d49484452', 'hex')
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  return bytes.toString('base64')
}

export function pngUrl(width: number, height: number): string {
  return `data:image/png;base64,${pngBase64(width, height)}`
}
