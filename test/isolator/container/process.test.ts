import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { isAlive, processOf, type Process } from '../../../src/isolator/container/process.js'

/** Python's, so that a thread of the process outlives the main one; 60 is __NR_exit on x64, 93 on arm64. */
const MAIN_THREAD_ENDS = `import ctypes, threading, time
threading.Thread(target=time.sleep, args=(100,)).start()
print('begun', flush=True)
ctypes.CDLL(None).syscall(${process.arch === 'x64' ? 60 : 93}, 0)`

const stateOf = (pid: number): string =>
  /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? ''

async function untilZombie(pid: number): Promise<void> {
  while (stateOf(pid) !== 'Z') await sleep(5)
}

t.test('a process lives as long as any of its threads', async t => {
  const child = spawn('python3', ['-c', MAIN_THREAD_ENDS], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  await untilZombie(child.pid!)
  const found = processOf(child.pid!)
  t.match(found, { pid: child.pid, startTime: /^\d+$/ }, 'state Z, with a thread that goes on')
  t.ok(isAlive(found as Process))
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.notOk(isAlive(found as Process), 'control')
})

t.test('a zombie without threads is not alive', async t => {
  // The shell does not wait for its child, which therefore stays a zombie; exec keeps it from reaping later.
  const shell = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 100'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => shell.kill('SIGKILL'))
  const [line] = (await once(shell.stdout, 'data')) as [Buffer]
  const pid = Number(line)
  await untilZombie(pid)
  t.equal(processOf(pid), undefined)
})
