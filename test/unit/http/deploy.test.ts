import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { ERROR_CODES } from '../../../src/errors/codes.ts'
import { Metrics } from '../../../src/http/metrics.ts'

const root = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const read = (path: string): string => readFileSync(root(path), 'utf8')

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string; readonly annotations: { readonly summary: string } }[]
  }[]
}

interface Dashboard {
  readonly panels: readonly { readonly id: number; readonly title: string; readonly targets: readonly { readonly expr: string }[] }[]
}

describe('what watches a daemon', () => {
  test('rules and dashboard ask for metrics that there are, with labels that they have', async () => {
    const rules = (parse(read('deploy/alerts.yaml')) as Rules).groups.flatMap((group) => group.rules)
    const { panels } = JSON.parse(read('deploy/grafana-dashboard.json')) as Dashboard
    expect(rules.length).toBeGreaterThan(5)
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const known = new Set(
      (await new Metrics('1').described()).flatMap(({ name, type }) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
    )
    for (const expr of [...rules.map((rule) => rule.expr), ...panels.flatMap(({ targets }) => targets.map((target) => target.expr))]) {
      const names = expr.match(/\b(?:ingestd|process|nodejs)_[a-z0-9_]+/g) ?? []
      expect(
        names.filter((name) => !known.has(name)),
        expr,
      ).toEqual([])
      // `up` is Prometheus' own.
      expect(names.length > 0 || expr.includes('up{'), expr).toBe(true)
    }
    for (const rule of rules) expect(rule.annotations.summary, rule.alert).not.toBe('')
    // Every metric of ours is on the dashboard.
    const shown = panels.flatMap(({ targets }) => targets.map((target) => target.expr)).join(' ')
    expect([...known].filter((name) => name.startsWith('ingestd_') && !/_(?:sum|count)$/.test(name) && !shown.includes(name))).toEqual([])
  })
})

test('the rules are ones that Prometheus takes', () => {
  // Where its tool is.
  const checked = spawnSync('promtool', ['check', 'rules', root('deploy/alerts.yaml')], { encoding: 'utf8' })
  if (checked.error === undefined) expect(checked.status, checked.stdout + checked.stderr).toBe(0)
})

describe('what runs a daemon', () => {
  test('Kubernetes: one replica, no root, nothing writable but volumes, probes of paths that there are', () => {
    const documents = parseAllDocuments(read('deploy/kubernetes.yaml')).map((document) => document.toJS() as Record<string, never>)
    const deployment = documents.find(({ kind }) => kind === 'Deployment') as unknown as {
      spec: {
        replicas: number
        strategy: { type: string }
        template: { spec: Record<string, never> & { containers: readonly Record<string, never>[] } }
      }
    }
    expect(deployment.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } })
    expect(deployment.spec.template.spec).toMatchObject({ securityContext: { runAsNonRoot: true }, terminationGracePeriodSeconds: 90 })
    expect(deployment.spec.template.spec.containers[0]).toMatchObject({
      securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      livenessProbe: { httpGet: { path: '/healthz' } },
      readinessProbe: { httpGet: { path: '/readyz' } },
    })
  })

  test('compose: no root file system to write, no capabilities, a token', () => {
    const { services } = parse(read('compose.yaml')) as { services: { ingestd: Record<string, unknown> } }
    expect(services.ingestd).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      environment: { INGEST_HTTP_TOKEN: expect.stringContaining(':?') },
    })
  })

  test('the image runs as a user of its own, and copies what the package ships', () => {
    const lines = read('Dockerfile').split('\n')
    expect(lines.filter((line) => line.startsWith('FROM '))).toHaveLength(2)
    expect(lines).toContain('USER 1000:1000')
    const { files } = JSON.parse(read('package.json')) as { files: readonly string[] }
    expect(files).toEqual(expect.arrayContaining(['dist', 'web', 'deploy']))
    for (const shipped of ['dist', 'web']) expect(lines).toContain(`COPY --from=build /build/${shipped} ./${shipped}`)
  })

  // `.ci/unit` asks systemd itself.
  test('the unit is told when the daemon is ready, and watches it', () => {
    const unit = read('deploy/ingestd.service')
    for (const line of [
      'Type=notify',
      'WatchdogSec=90',
      'ProtectSystem=strict',
      'NoNewPrivileges=true',
      'CapabilityBoundingSet=',
      'User=ingestd',
    ])
      expect(unit.split('\n')).toContain(line)
  })
})

describe('docs/operations.md', () => {
  test('leads to every error code, of each of its groups', () => {
    const page = read('docs/operations.md')
    const errors = read('docs/errors.md')
    const groups = new Set(Object.keys(ERROR_CODES).map((code) => code.split('-').slice(0, 2).join('-')))
    for (const group of groups) expect(page, group).toContain(`\`${group}`)
    for (const code of Object.keys(ERROR_CODES)) expect(errors, code).toContain(code)
    expect(page).toContain('(errors.md)')
  })

  test('names commands, files and addresses that there are', () => {
    const page = read('docs/operations.md')
    for (const [, path] of page.matchAll(/\]\(([^)#]+)\)/g)) expect(existsSync(root(`docs/${path}`)), path).toBe(true)
    for (const [path] of page.matchAll(/\bdeploy\/[\w.-]+\w/g)) expect(existsSync(root(path)), path).toBe(true)
  })
})
