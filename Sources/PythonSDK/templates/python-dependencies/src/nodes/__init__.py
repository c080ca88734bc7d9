"""The nodes of the plugin __PLUGIN_NAME__."""
