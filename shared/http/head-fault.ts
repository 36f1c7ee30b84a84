import type { IncomingMessage } from 'node:http'
import { CallError } from '#shared/errors/call-error.ts'

/**
 * Why a head that node's parser lets pass is refused: `malformed-request`, or `cross-site` for a page
 * of another site, which a browser lets send blindly to any port of its machine
 * (https://www.w3.org/TR/fetch-metadata/). One pass, since every call is looked at.
 */
export function headFault({ rawHeaders, httpVersion }: IncomingMessage): CallError | undefined {
  let hosts = 0
  let codings = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    const value = rawHeaders[at + 1] ?? ''
    // Few names are as long as one of these.
    if (name.length === 4 && name.toLowerCase() === 'host') {
      hosts++
      if (!hostWords.test(value)) return malformed('a host that is none')
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      codings++
      // Under another one the bytes would be taken for plain (RFC 9112, 6.1).
      if (codings > 1 || value.toLowerCase() !== 'chunked') return malformed(foreignCoding)
    } else if (name.length === 14 && value === 'cross-site' && isFetchSite(name)) {
      return new CallError('cross-site', 'Cannot serve the page: it is of another site')
    }
  }
  // One there must be, and no second (RFC 9112, 3.2).
  const isGood = hosts === 1 || (hosts === 0 && httpVersion !== '1.1')
  return isGood ? undefined : malformed(`${hosts} hosts in its head`)
}

/** A name or an address, and a port; none of them has to be there (RFC 3986, 3.2.2; RFC 9110, 7.2). */
const hostWords = /^(?:\[[\da-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*)(?::\d*)?$/i

const foreignCoding = 'a transfer-encoding besides chunked'

function isFetchSite(name: string): boolean {
  return name.toLowerCase() === 'sec-fetch-site'
}

function malformed(fault: string): CallError {
  return new CallError('malformed-request', `Cannot read the request: ${fault}`)
}
