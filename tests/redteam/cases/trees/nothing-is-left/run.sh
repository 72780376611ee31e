rm -rf ./* ./.[a-z]*
