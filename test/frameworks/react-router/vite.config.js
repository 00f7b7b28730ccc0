import { reactRouter } from '@react-router/dev/vite'
import { defineConfig } from 'vite'

// biome-ignore lint/style/noDefaultExport: Vite asks for it
export default defineConfig({ plugins: [reactRouter()] })
