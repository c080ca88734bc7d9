"""The plugin __PLUGIN_NAME__."""
