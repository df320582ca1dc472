import { html, Html } from './html.ts'
import { style } from './style.ts'

/** A whole page: one file that loads nothing, for screens light and dark, wide and narrow, and for paper. */
export const htmlDocument = (title: string, body: Html): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="generator" content="Sparring" />
        <link rel="icon" href="data:," />
        <title>${title} · Sparring</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html> `.text
