// The tree of projects with counts. A project is a link, so that it can be opened elsewhere; a click chooses it here.

const Item = {
  name: "ProjectItem",
  props: { node: Object, chosen: String, open: Object, level: Number },
  emits: ["choose", "toggle"],
  template: `
    <li>
      <div class="pt-row" :class="{ 'pt-chosen': node.name === chosen }" :style="{ paddingLeft: (level * 14) + 'px' }">
        <button v-if="node.children.length" type="button" class="pt-toggle" :aria-expanded="String(isOpen)"
          :aria-label="(isOpen ? 'Close ' : 'Open ') + node.name" @click="$emit('toggle', node.name)">{{ isOpen ? '▾' : '▸' }}</button>
        <span v-else class="pt-toggle" aria-hidden="true"></span>
        <a class="pt-link" :href="address" :aria-current="node.name === chosen ? 'true' : undefined" :title="node.name"
          @click="clicked"><span class="pt-label">{{ node.label }}</span><span class="pt-count">{{ node.count.toLocaleString('en') }}</span></a>
      </div>
      <ul v-if="node.children.length && isOpen">
        <project-item v-for="child in node.children" :key="child.name" :node="child" :chosen="chosen" :open="open"
          :level="level + 1" @choose="$emit('choose', $event)" @toggle="$emit('toggle', $event)"></project-item>
      </ul>
    </li>`,
  computed: {
    isOpen() {
      return this.open[this.node.name] ?? false;
    },
    address() {
      return `/?${new URLSearchParams({ project: this.node.name })}`;
    },
  },
  methods: {
    clicked(event) {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      this.$emit("choose", this.node.name);
    },
  },
};
Item.components = { "project-item": Item };

export default {
  components: { "project-item": Item },
  props: { chosen: String, archived: Boolean },
  emits: ["choose"],
  template: `
    <div class="pt" data-testid="project-tree">
      <ul>
        <li>
          <div class="pt-row" :class="{ 'pt-chosen': !chosen }">
            <span class="pt-toggle" aria-hidden="true"></span>
            <a class="pt-link" href="/" :aria-current="chosen ? undefined : 'true'" @click="all">
              <span class="pt-label">All projects</span><span class="pt-count">{{ total.toLocaleString('en') }}</span></a>
          </div>
        </li>
        <project-item v-for="node in nodes" :key="node.name" :node="node" :chosen="chosen" :open="open" :level="0"
          @choose="$emit('choose', $event)" @toggle="toggle"></project-item>
      </ul>
    </div>`,
  data() {
    return { nodes: [], open: {} };
  },
  computed: {
    total() {
      return this.nodes.reduce((sum, node) => sum + node.count, 0);
    },
  },
  watch: {
    archived() {
      this.refresh();
    },
    chosen() {
      this.reveal();
    },
  },
  mounted() {
    this.refresh();
  },
  methods: {
    async refresh() {
      try {
        const answer = await fetch(`/api/projects?archived=${this.archived ? 1 : 0}`);
        if (!answer.ok) return;
        const isFirst = !this.nodes.length;
        this.nodes = await answer.json();
        if (isFirst && this.nodes.length <= 6) for (const node of this.nodes) this.open[node.name] ??= true;
        if (isFirst) this.reveal();
      } catch (error) {
        // The server has ended: NiceGUI says so.
      }
    },
    reveal() {
      const parts = (this.chosen || "").split("/");
      for (let count = 1; count < parts.length; count++) this.open[parts.slice(0, count).join("/")] = true;
    },
    toggle(name) {
      this.open[name] = !(this.open[name] ?? false);
    },
    all(event) {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      this.$emit("choose", "");
    },
  },
};
