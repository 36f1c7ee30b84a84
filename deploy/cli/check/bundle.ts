import { X509Certificate } from 'node:crypto'
import { authoritiesKey } from '#deploy/controller/project.ts'
import { objectAt, objectsOf } from '#deploy/inject/json.ts'
import { projectedConfig } from '#deploy/inject/names.ts'
import { certificateBlocks } from '#shared/http/certificate-blocks.ts'
import { found } from '#shared/kubernetes/found.ts'
import { KubernetesError } from '#shared/kubernetes/kubernetes-error.ts'
import type { KubernetesObject } from '#shared/kubernetes/kubernetes-object.ts'
import type { Scene } from './finding.ts'

const webhookSecret = 'outrigger-webhook-tls'

/** Why a webhook's configuration does not trust what the webhook serves; undefined where it does. */
export async function trustProblem(
  scene: Scene,
  configuration: KubernetesObject,
): Promise<string | undefined> {
  const [hook] = objectsOf(configuration['webhooks'])
  const encoded = objectAt(hook, 'clientConfig')?.['caBundle']
  if (typeof encoded !== 'string' || encoded === '') return 'its caBundle is empty'
  const bundle = certificatesIn(Buffer.from(encoded, 'base64').toString('utf8'))
  if (bundle === undefined) return 'its caBundle holds no certificates'
  const valid = bundle.filter(({ validTo }) => Date.parse(validTo) > scene.wallMs)
  if (valid.length === 0) return `its caBundle ended on ${bundle[0]?.validTo}`
  const given = await givenOut(scene)
  if (given !== undefined && !given.some((one) => holds(valid, one))) {
    return 'its caBundle holds none of the authorities that are given out'
  }
  const served = await servedCertificate(scene)
  if (served === undefined || valid.some((one) => served.verify(one.publicKey))) return undefined
  return `its caBundle did not sign the certificate of Secret ${webhookSecret}`
}

function holds(bundle: readonly X509Certificate[], one: X509Certificate): boolean {
  return bundle.some(({ fingerprint256 }) => fingerprint256 === one.fingerprint256)
}

/** Undefined where sidecars are given none, or the text is not PEM. */
async function givenOut({ cluster }: Scene): Promise<X509Certificate[] | undefined> {
  const { api, systemNamespace } = cluster
  const path = `/api/v1/namespaces/${systemNamespace}/configmaps/${projectedConfig}`
  const text = objectAt(await found(api, path), 'data')?.[authoritiesKey]
  return typeof text === 'string' ? certificatesIn(text) : undefined
}

/** Of the Secret, which few may read: the dry run tells the same, later and in other words. */
async function servedCertificate({ cluster }: Scene): Promise<X509Certificate | undefined> {
  const path = `/api/v1/namespaces/${cluster.systemNamespace}/secrets/${webhookSecret}`
  try {
    const encoded = objectAt(await found(cluster.api, path), 'data')?.['tls.crt']
    if (typeof encoded !== 'string') return undefined
    return certificatesIn(Buffer.from(encoded, 'base64').toString('utf8'))?.[0]
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 403) return undefined
    throw error
  }
}

/** Undefined where there is none, or one of them cannot be read. */
function certificatesIn(text: string): X509Certificate[] | undefined {
  const blocks = certificateBlocks(text)
  if (blocks.length === 0) return undefined
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch {
    return undefined
  }
}
