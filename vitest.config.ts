import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { filesWithS3, missingS3 } from './test/services/missing.ts'

// Unit tests import src directly. Every other kind drives dist, as a user does: global set-up builds it once.
const built = { globalSetup: ['test/support/build.ts'], testTimeout: 120_000, hookTimeout: 120_000 }

/*
 * Unit and integration tests mock nothing, so that many files share a process (`isolate: false`): to load the product anew for each takes
 * longer than most of them. Hooks belong into test files: those at the top of a shared module would be heard by the first file alone.
 */

/** Small files with much to wait for. Larger files come first otherwise, and one of these would run alone at the end. */
const SLOW = ['crash/random', 'crash/short', 'integration/histories', 'oracle/scd2', 'crash/upserts'].map((name) => `/test/${name}.test.ts`)

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isSlow = ({ moduleId }: TestSpecification): boolean => SLOW.some((name) => moduleId.endsWith(name))
    const sorted = await super.sort(files)
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))]
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: SlowFirst },
    // Tests wait for the processes that they start: with one core left to the machine, a machine of two would do them one by one.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.{ts,tsx}', 'test/contract/**/*.test.ts', 'test/oracle/**/*.test.ts'],
          testTimeout: 60_000,
          isolate: false,
        },
      },
      {
        test: {
          name: 'integration',
          isolate: false,
          include: ['test/{integration,cli,corpus,fuzz,terminal}/**/*.test.ts', 'test/crash/short.test.ts', 'test/*.test.ts'],
          ...built,
        },
      },
      { test: { name: 'chaos', include: ['test/chaos/**/*.test.ts'], ...built, testTimeout: 300_000 } },
      // The short one is part of `npm test`.
      { test: { name: 'crash', include: ['test/crash/**/!(short).test.ts'], ...built, testTimeout: 1_200_000 } },
      {
        test: {
          name: 'services',
          include: ['test/services/**/*.test.ts'],
          exclude: missingS3() === undefined ? [] : [...filesWithS3()],
          ...built,
          globalSetup: [...built.globalSetup, 'test/services/install.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          ...built,
          testTimeout: 900_000,
          hookTimeout: 900_000,
          isolate: false,
        },
      },
    ],
  },
})
