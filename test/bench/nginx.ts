import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { endWithThisProcess, type Process } from './processes.ts'

/** Where packages put it; `/usr/sbin` is in few users' PATH. */
const binaries = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/opt/homebrew/bin/nginx']

/** One worker without a master, so that one process id holds all of its CPU. */
function configText(directory: string, port: number, mockPort: number): string {
  return `daemon off; master_process off; worker_processes 1;
pid ${directory}/nginx.pid; error_log ${directory}/nginx-error.log;
events { worker_connections 4096; }
http {
  access_log ${directory}/nginx-access.log combined buffer=4k flush=1s;
  client_body_temp_path ${directory}; proxy_temp_path ${directory};
  fastcgi_temp_path ${directory}; uwsgi_temp_path ${directory}; scgi_temp_path ${directory};
  client_body_buffer_size 128k; keepalive_requests 1000000;
  upstream mock { server 127.0.0.1:${mockPort}; keepalive 1024; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`
}

/** A plain `proxy_pass` with keep-alive; a text says why there is none. */
export async function startNginx(directory: string, mockPort: number): Promise<Process | string> {
  const binary = binaries.find((path) => existsSync(path))
  if (binary === undefined) return `there is none of ${binaries.join(', ')} on this machine`
  const port = await freePort()
  const file = join(directory, 'nginx.conf')
  writeFileSync(file, configText(directory, port, mockPort))
  // `-e`: before it reads the file it would open the log it was built with, which needs root.
  const errorLog = join(directory, 'nginx-error.log')
  const args = ['-e', errorLog, '-c', file]
  const child = spawn(binary, args, { stdio: ['ignore', 'ignore', 'ignore'] })
  child.on('error', () => {
    // It cannot be executed: nothing will listen, which is what is told.
  })
  endWithThisProcess(child)
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries === 200 || child.exitCode !== null) {
      child.kill('SIGKILL')
      const said = existsSync(errorLog) ? readFileSync(errorLog, 'utf8').trim() : ''
      return `it does not start: ${said || `code ${child.exitCode}`}`
    }
    await wait(10)
  }
  return {
    name: 'nginx',
    pid: child.pid ?? 0,
    port,
    async end() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return address === null || typeof address === 'string' ? 0 : address.port
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  })
  socket.destroy()
  return isOpen
}
