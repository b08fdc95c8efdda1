// Uploads zeros with axios, as apps in Node do, and prints what it got: node axios.mjs MODULES '{"url":…}'
import { createRequire } from 'node:module';

const [modules, text] = process.argv.slice(2);
const axios = createRequire(modules + '/')('axios');
const { url, fields, name, size } = JSON.parse(text);
const form = new FormData();
for (const [key, value] of Object.entries(fields)) form.append(key, value);
form.append('file', new Blob([new Uint8Array(size)]), name);
const { status, data } = await axios.post(url, form, { maxBodyLength: Infinity, validateStatus: () => true });
console.log(JSON.stringify({ status, data }));
