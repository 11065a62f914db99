import chromium from '@sparticuz/chromium'
import { type Browser, chromium as driver } from 'playwright-core'

/** The Chromium that comes with npm, or the one that INGEST_TEST_CHROMIUM names. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = process.env['INGEST_TEST_CHROMIUM'] ?? (await chromium.executablePath())
  return driver.launch({ executablePath, args: chromium.args, headless: true })
}
