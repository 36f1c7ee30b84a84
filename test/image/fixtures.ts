import type { DebianPackage } from '#deploy/image/debian/packages.ts'
import { file, type TarEntry } from '#deploy/image/tar/entry.ts'

const triple = 'x86_64-linux-gnu'
const library = (name: string, mode = 0o644) => file(`usr/lib/${triple}/${name}`, name, mode)

/** Small packages with what the image takes, and what it leaves. */
export const debianPackages: readonly DebianPackage[] = [
  debian('base-files', [
    file('etc/debian_version', '13.1\n'),
    { kind: 'link', path: 'etc/os-release', target: '../usr/lib/os-release' },
    file('usr/lib/os-release', 'ID=debian\n'),
    file('usr/share/common-licenses/GPL-3', 'terms'),
    { kind: 'link', path: 'lib', target: 'usr/lib' },
    { kind: 'link', path: 'bin', target: 'usr/bin' },
  ]),
  debian(
    'ca-certificates',
    Array.from({ length: 60 }, (_, index) => {
      const number = String(59 - index).padStart(2, '0')
      return file(`usr/share/ca-certificates/mozilla/${number}.crt`, `certificate ${number}`)
    }),
  ),
  debian('gcc-14-base', []),
  debian('libatomic1', [library('libatomic.so.1')]),
  debian('libc6', [
    file('usr/lib64/ld-linux-x86-64.so.2', 'loader', 0o4755),
    ...['ld-linux-x86-64.so.2', 'libc.so.6', 'libdl.so.2', 'libm.so.6', 'libpthread.so.0'].map(
      (name) => library(name, 0o755),
    ),
    library('libnss_hesiod.so.2'),
    file('usr/bin/ldd', '#!/bin/sh', 0o755),
  ]),
  debian('libgcc-s1', [library('libgcc_s.so.1')]),
  debian('libstdc++6', [
    library('libstdc++.so.6.0.33'),
    file(`usr/share/gdb/auto-load/usr/lib/${triple}/libstdc++.so.6.0.33-gdb.py`, ''),
  ]),
]

function debian(name: string, entries: readonly TarEntry[]): DebianPackage {
  return {
    name,
    version: '1:2.3+deb13u1',
    sha256: 'a'.repeat(64),
    control: `Package: ${name}\nVersion: 1:2.3+deb13u1\nArchitecture: amd64\n`,
    entries: [...entries, file(`usr/share/doc/${name}/copyright`, `terms of ${name}`)],
  }
}
