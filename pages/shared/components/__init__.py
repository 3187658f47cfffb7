"""Our own components: the JavaScript, the styles and the Python of each in a folder."""
