// Loaded by each process of a run whose code is recorded: at its end the code of all scripts of the bundle is written, with
// the functions in it that the run called.
const { renameSync, writeFileSync } = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')
const { dirname, join, relative } = require('node:path')
const vm = require('node:vm')

const folder = process.env.CODE_FOLDER
const dist = dirname(require.resolve('../dist/main.js'))
const scripts = []

vm.Script = class extends vm.Script {
  constructor(text, options) {
    super(text, options)
    scripts.push({ path: relative(dist, options.filename), script: this })
  }
}
syncBuiltinESMExports()

process.on('exit', () => {
  const entry = ['main', 'worker'].find((name) => scripts.some(({ path }) => path === join('chunks', `${name}.cjs`)))
  if (entry === undefined) return
  const places = []
  const codes = []
  let at = 0
  for (const { path, script } of scripts) {
    const code = script.createCachedData()
    places.push([path, at, at + code.length])
    codes.push(code)
    at += code.length
  }
  const file = join(folder, `${entry}.code`)
  writeFileSync(`${file}.part`, Buffer.concat([Buffer.from(`${JSON.stringify(places)}\n`), ...codes]))
  renameSync(`${file}.part`, file)
})
