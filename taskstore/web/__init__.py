"""The local web page, by NiceGUI (extra `taskstore[ui]`): one module a page or a part of one, no logic of the store."""
