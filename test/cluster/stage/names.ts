import { defaultSettings, type InjectSettings } from '#deploy/inject/settings.ts'

export { systemNamespace } from '#deploy/inject/names.ts'

/** Nobody pulls it: containers of this name are played by processes of this tree. */
export const image = `registry.example/outrigger@sha256:${'a'.repeat(64)}`

/** As the webhook reads them from its file, which names the image alone. */
export const injectSettings: InjectSettings = { ...defaultSettings, image }

/** The platform's configuration; `deadline` tells one version from another. */
export function platformText(deadline = '10m'): string {
  return `
models: { assistant: { targets: [{ provider: openai, model: gpt-5 }] } }
sidecar: { deadline: ${deadline} }
ambassador: { identity: { kind: kubernetes } }
providers: { openai: { kind: openai, credentials: [{ name: main, secret: OPENAI_KEY }] } }
`
}
