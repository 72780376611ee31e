mkdir -p shut/in
echo x > shut/in/x
chmod 000 shut/in shut coins tests
chmod 500 .
