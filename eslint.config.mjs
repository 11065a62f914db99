import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/** Biome lints everything else; only what needs the type checker is here, since it is the slow half. */
export default defineConfig({
  files: ['src/**/*.{ts,tsx}'],
  extends: [tseslint.configs.base],
  languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
  linterOptions: { reportUnusedDisableDirectives: 'error' },
  rules: {
    // A promise that nobody awaits fails after its batch was settled.
    '@typescript-eslint/no-floating-promises': 'error',
    // An async callback given to forEach or an event looks awaited and is not.
    '@typescript-eslint/no-misused-promises': 'error',
    // A new kind of outcome must be met by a decision at every switch.
    '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    // Without await, the catch or finally around it does not see the failure.
    '@typescript-eslint/return-await': ['error', 'in-try-catch'],
  },
})
