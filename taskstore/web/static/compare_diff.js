// A unified diff, drawn by Vue as text, line by line.
const FIRST = 1500;

export default {
  template: `
    <div>
      <div class="cmp-scroll cmp-diff" tabindex="0" role="region" :aria-label="label"><pre
        ><code><span v-for="(line, at) in seen" :key="at" :class="kind(line, at)">{{ line }}\n</span></code></pre></div>
      <button v-if="lines.length > seen.length" type="button" class="cmp-more" @click="all = true">
        Show all {{ lines.length.toLocaleString("en") }} lines
      </button>
    </div>`,
  props: { lines: Array, label: String },
  data() {
    return { all: false };
  },
  computed: {
    seen() {
      return this.all ? this.lines : this.lines.slice(0, FIRST);
    },
  },
  methods: {
    kind(line, at) {
      if (at < 2 && (line.startsWith("---") || line.startsWith("+++"))) return "cmp-line cmp-file";
      const kinds = { "+": "cmp-added", "-": "cmp-removed", "@": "cmp-hunk" };
      return "cmp-line " + (kinds[line[0]] ?? "");
    },
  },
};
