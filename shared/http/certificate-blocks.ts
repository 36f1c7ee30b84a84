/** Each certificate of a PEM text by itself, in order; whether it can be read is not looked at. */
export function certificateBlocks(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
}
