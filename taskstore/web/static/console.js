// Lines of a console: what a task printed is text here, never markup. A line is [time, stream, [[text, styles], …]].
export default {
  template: `
    <div ref="box" class="ts-console ts-mono" role="log" aria-live="off" aria-label="Console output" tabindex="0"
         data-testid="console" @scroll.passive="scrolled">
      <div v-for="row in rows" :key="row.key" class="ts-line"
           :class="{ 'ts-err': row.line[1] === 'stderr', 'ts-hit': row.key === hit }" :data-key="row.key">
        <span v-if="times" class="ts-time">{{ row.line[0] }}</span>
        <template v-for="(piece, p) in row.line[2]" :key="p">
          <template v-for="(part, n) in parts(piece[0])" :key="n">
            <mark v-if="n % 2" :class="styles(piece[1])">{{ part }}</mark>
            <span v-else :class="styles(piece[1])">{{ part }}</span>
          </template>
        </template>
      </div>
    </div>`,
  props: { lines: Array, times: Boolean, needle: String },
  data() {
    return { rows: [], hit: -1, first: 0, next: 0, asked: false };
  },
  created() {
    this.rows = this.keyed(this.lines || []);
  },
  mounted() {
    this.toEnd();
  },
  methods: {
    keyed(lines) {
      const made = lines.map((line, n) => ({ key: this.next + n, line }));
      this.next += lines.length;
      return made;
    },
    styles(names) {
      return names ? names.split(" ").map((name) => "ts-" + name) : [];
    },
    parts(text) {
      // Odd ones are what was looked for.
      const needle = (this.needle || "").toLowerCase();
      const folded = text.toLowerCase();
      if (!needle || folded.length !== text.length || !folded.includes(needle)) return [text];
      const found = [];
      let at = 0;
      for (let n = folded.indexOf(needle); n >= 0; n = folded.indexOf(needle, at)) {
        found.push(text.slice(at, n), text.slice(n, n + needle.length));
        at = n + needle.length;
      }
      found.push(text.slice(at));
      return found;
    },
    isAtEnd() {
      const box = this.$refs.box;
      return !box || box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    },
    toEnd() {
      this.$nextTick(() => {
        const box = this.$refs.box;
        if (box) box.scrollTop = box.scrollHeight;
      });
    },
    scrolled() {
      const box = this.$refs.box;
      if (box.scrollTop < 60 && box.scrollHeight > box.clientHeight && !this.asked) {
        this.asked = true;
        this.$emit("earlier");
      }
    },
    replace(lines, hit) {
      this.next = 0;
      this.rows = this.keyed(lines);
      this.first = 0;
      this.asked = false;
      this.mark(hit);
      if (hit < 0) this.toEnd();
    },
    append(lines, isFollowed) {
      const follows = isFollowed && this.isAtEnd();
      this.rows.push(...this.keyed(lines));
      if (follows) this.toEnd();
    },
    prepend(lines) {
      const box = this.$refs.box;
      const below = box.scrollHeight - box.scrollTop;
      this.first -= lines.length;
      this.rows.unshift(...lines.map((line, n) => ({ key: this.first + n, line })));
      this.$nextTick(() => {
        box.scrollTop = box.scrollHeight - below;
        this.asked = false;
      });
    },
    mark(hit) {
      this.hit = hit;
      if (hit < 0) return;
      this.$nextTick(() => {
        const row = this.$refs.box.querySelector(`[data-key="${hit}"]`);
        if (row) row.scrollIntoView({ block: "center" });
      });
    },
  },
};
