// npm start: builds what is needed and serves the demo.
import { spawn } from 'node:child_process'
import { ensureBuilt } from './build.mjs'
import { fail, root, runTool } from './run.mjs'

ensureBuilt()
if (runTool('tsc', ['-p', 'demo/tsconfig.json']) !== 0) fail('The demo could not be compiled')

const demo = spawn(process.execPath, ['.build/demo/server.js'], { cwd: root, stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => demo.kill(signal))
demo.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
