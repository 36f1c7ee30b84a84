/** A piece of an SVG drawing: its text. */
export type Svg = string

type Attributes = Readonly<Record<string, string | number>>

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (sign) => escapes[sign] ?? sign)
}

function attributesText(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(
      ([name, value]) => ` ${name}="${typeof value === 'number' ? short(value) : escaped(value)}"`,
    )
    .join('')
}

/** Coordinates need no more than a tenth of a pixel. */
function short(value: number): string {
  return String(Math.round(value * 10) / 10)
}

/** An element with other elements in it, or none. */
export function element(name: string, attributes: Attributes, inner: readonly Svg[] = []): Svg {
  const open = `<${name}${attributesText(attributes)}`
  return inner.length === 0 ? `${open}/>` : `${open}>${inner.join('')}</${name}>`
}

/** Words at a point; `style` may set `text-anchor`, `font-size` and so on. */
export function words(text: string, at: readonly [number, number], style: Attributes = {}): Svg {
  return `<text${attributesText({ x: at[0], y: at[1], ...style })}>${escaped(text)}</text>`
}

/** A whole file: white ground, one font. */
export function drawing(size: readonly [number, number], inner: readonly Svg[]): string {
  const [width, height] = size
  const ground = element('rect', { width, height, fill: '#ffffff' })
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${Math.round(width)} ${Math.round(height)}`,
    width,
    height,
    'font-family': 'Helvetica, Arial, sans-serif',
    'font-size': 12,
    fill: '#222222',
  }
  return `${element('svg', attributes, ['\n', [ground, ...inner].join('\n'), '\n'])}\n`
}
