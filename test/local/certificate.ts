import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** A server's key and certificate, both PEM. */
export interface Certificate {
  readonly key: string
  readonly cert: string
}

/**
 * A certificate for `names` that has signed itself, so that it is its own authority: valid from 2020
 * to 2049. Made here since node makes none, and a key in the repository would look like a leak.
 * Source: RFC 5280, section 4.1.
 */
export function selfSigned(names: readonly string[]): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  // Its own name: authorities are found by it, and two of one name are taken for one another.
  const serial = Buffer.concat([Buffer.of(1), randomBytes(8)])
  const name = der(0x30, der(0x31, der(0x30, commonName, text(`test ${serial.toString('hex')}`))))
  const altNames = der(0x30, ...names.map((one) => der(0x82, Buffer.from(one))))
  const toBeSigned = der(
    0x30,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, serial),
    ecdsaWithSha256,
    name,
    der(0x30, time('200101000000Z'), time('491231235959Z')),
    name,
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, der(0x30, der(0x30, subjectAltName, der(0x04, altNames)))),
  )
  const signature = Buffer.concat([Buffer.of(0), sign('sha256', toBeSigned, privateKey)])
  const whole = der(0x30, toBeSigned, ecdsaWithSha256, der(0x03, signature))
  const lines = whole.toString('base64').replace(/.{64}/g, '$&\n')
  return {
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  }
}

const commonName = der(0x06, Buffer.of(0x55, 4, 3))
const subjectAltName = der(0x06, Buffer.of(0x55, 0x1d, 0x11))
/** 1.2.840.10045.4.3.2 */
const ecdsaWithSha256 = der(0x30, der(0x06, Buffer.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2)))

function text(value: string): Buffer {
  return der(0x0c, Buffer.from(value))
}

function time(value: string): Buffer {
  return der(0x17, Buffer.from(value))
}

/** One element: tag, length, contents of less than 64 KiB. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const long = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...(length < 128 ? [length] : long)), content])
}
