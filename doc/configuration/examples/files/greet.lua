core.register_action("greet", { "http-req" }, function(txn, name)
    txn:set_var("txn.greeting", "hello " .. name)
end, 1)
