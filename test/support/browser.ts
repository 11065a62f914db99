import chromium from '@sparticuz/chromium'
import { type Browser, chromium as driver } from 'playwright-core'

/** The Chromium that comes with npm, or the one that INGEST_TEST_CHROMIUM names. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = process.env['INGEST_TEST_CHROMIUM'] ?? (await chromium.executablePath())
  // Not with the arguments that it brings, which turn off what the page rests on (web security), and end with the first page.
  return driver.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'], headless: true })
}
