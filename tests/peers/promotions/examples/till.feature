Feature: What a till takes off
    Scenarios of our own in the sentences that the adapter reads; docs/how-to/compare-your-own-scenarios.md

    Background:
        Given the store operates on a single channel in "United States"
        And the store classifies its products as "Bread", "Cheese" and "Wine"
        And the store has a product "Rye loaf" priced at "$4.20"
        And this product belongs to "Bread"
        And the store has a product "Old Gouda" priced at "$12.50"
        And this product belongs to "Cheese"
        And the store has a product "Rioja" priced at "$9.95"
        And this product belongs to "Wine"

    Scenario: An amount off the order is spread over what is in it
        Given there is a promotion "Opening week"
        And it gives "$5.00" discount to every order
        When I add 2 products "Rye loaf" to the cart
        And I add product "Old Gouda" to the cart
        Then my cart total should be "$15.90"
        And my discount should be "-$5.00"

    Scenario: No more is taken off than is there
        Given there is a promotion "Opening week"
        And it gives "$50.00" discount to every order
        When I add product "Rioja" to the cart
        Then my cart total should be "$0.00"
        And my discount should be "-$9.95"

    Scenario Outline: The promotion with the higher priority comes first
        Given there is a promotion "Amount" with priority <amount>
        And it gives "$2.00" discount to every order
        And there is a promotion "Part" with priority <part>
        And it gives "10%" discount to every order
        When I add 4 products "Old Gouda" to the cart
        Then my cart total should be "<total>"

        Examples:
            | amount | part | total  |
            | 5      | 1    | $43.20 |
            | 1      | 5    | $43.00 |

    Scenario: An exclusive promotion keeps others out, whatever their priority
        Given there is a promotion "Amount" with priority 9
        And it gives "$2.00" discount to every order
        And there is an exclusive promotion "Clearance" with priority 1
        And it gives "20%" discount to every order
        When I add 2 products "Old Gouda" to the cart
        Then my cart total should be "$20.00"

    Scenario: One kind of goods, if another is there
        Given there is a promotion "Wine and cheese"
        And it gives "10%" off on every product classified as "Cheese" if order contains any product classified as "Wine" or "Bread"
        When I add product "Old Gouda" to the cart
        Then there should be no discount
        When I add product "Rioja" to the cart
        Then product "Old Gouda" price should be discounted by "$1.25"
        And product "Rioja" price should not be decreased
        And my cart total should be "$21.20"

    Scenario: Articles of a range of prices, each piece
        Given there is a promotion "Middle shelf"
        And it gives "$1.00" off on every product priced between "$9.95" and "$12.49"
        And this promotion gives another "$0.50" off on every product with maximum price at "$4.20"
        When I add 3 products "Rioja" to the cart
        And I add product "Old Gouda" to the cart
        And I add product "Rye loaf" to the cart
        Then product "Rioja" price should be decreased by "$3.00"
        And product "Rye loaf" price should be decreased by "$0.50"
        And product "Old Gouda" price should not be decreased
        And my cart total should be "$43.05"

    Scenario: A coupon counts when it is shown, and in its time
        Given the store has promotion "Letter" with coupon "SPRING"
        And this promotion gives "$3.00" discount to every order with items total at least "$10.00"
        When I add product "Old Gouda" to the cart
        Then there should be no discount
        When I use coupon with code "AUTUMN"
        Then my cart total should be "$12.50"
        When I use coupon with code "SPRING"
        Then my cart total should be "$9.50"
        When I remove coupon from my cart
        Then my cart total should be "$12.50"

    Scenario: A coupon that ended yesterday is worth nothing
        Given the store has promotion "Letter" with coupon "SPRING"
        And this promotion gives "100%" discount to every order
        And this coupon has already expired
        When I add product "Rioja" to the cart
        And I use coupon with code "SPRING"
        Then my cart total should be "$9.95"

    Scenario: A campaign whose uses are gone is over
        Given the store has promotion "First hundred" with coupon "FIRST"
        And it gives "50%" discount to every order
        And this coupon has already reached its usage limit
        When I add product "Old Gouda" to the cart
        And I use coupon with code "FIRST"
        Then my cart total should be "$12.50"

    Scenario: A total counts after what came before
        Given there is a promotion "All week"
        And it gives "$5.00" discount to every order
        And there is a promotion "Large baskets"
        And it gives "$10.00" off if order contains products classified as "Cheese" with a minimum value of "$20.00"
        When I add 2 products "Old Gouda" to the cart
        Then my cart total should be "$10.00"
        When I change product "Old Gouda" quantity to 1
        Then my cart total should be "$7.50"

    Scenario: A group of customers
        Given the store has a customer group "Staff"
        And there is a promotion "Staff"
        And the promotion gives "10%" off the order for customers from "Staff" group
        And there is a customer account "ann@example.com"
        And the customer belongs to group "Staff"
        When I add 4 products "Rye loaf" to the cart
        Then my cart total should be "$16.80"
        When I am logged in as "ann@example.com"
        Then my cart total should be "$15.12"

    Scenario: The catalogue's sale, and a promotion that spares what is reduced
        Given there is a catalog promotion "Ripe" that reduces price by "20%" and applies on "Cheese" taxon
        And there is a promotion "Tuesday" that does not apply to discounted products
        And this promotion gives "$1.00" discount to every order
        When I add product "Old Gouda" to the cart
        And I add product "Rye loaf" to the cart
        Then I should see "Old Gouda" with unit price "$10.00" in my cart
        And the product "Rye loaf" should have total price "$3.20" in the cart
        And my cart total should be "$13.20"

    Scenario: A fee for delivery, and none above a total after discounts
        Given the store has "Bicycle" shipping method with "$3.00" fee
        And there is a promotion "Half" with priority 2
        And it gives "50%" discount to every order
        And there is a promotion "Fetch" with priority 1
        And it gives free shipping to every order over "$12.50"
        When I add product "Old Gouda" to the cart
        Then my cart shipping total should be "$3.00"
        And my cart total should be "$9.25"
        When I add product "Old Gouda" to the cart
        Then my cart shipping total should be "$0.00"
        And my cart total should be "$12.50"
        And my discount should be "-$12.50"

    Scenario: Two channels, two currencies, two amounts
        Given the store operates on another channel named "Leith" in "GBP" currency
        And the store has a product "Oats" priced at "$6.00" in "United States" channel
        And this product is also priced at "£4.00" in "Leith" channel
        And there is a promotion "Breakfast"
        And this promotion gives "$1.00" discount to every order in the "United States" channel and "£0.50" discount to every order in the "Leith" channel
        And the promotion has a cart quantity rule for at least 2 items in "Leith" channel
        When I add product "Oats" to the cart
        Then my cart total should be "$5.00"
        When I change my current channel to "Leith"
        And I add product "Oats" to the cart
        Then my cart total should be "£4.00"
        When I add product "Oats" to the cart
        Then my cart total should be "£7.50"

    Scenario: Sales of the catalogue, by priority, on what lies below a kind of goods
        Given the "Cheese" taxon has child taxon "Goat"
        And the store has a "Chevre" configurable product
        And this product belongs to "Goat"
        And this product has "Young chevre" variant priced at "$10.00"
        And there is a catalog promotion "Part" with priority 1 that reduces price by "50%" and applies on "Cheese" taxon
        And there is a catalog promotion "Amount" with priority 2 that reduces price by fixed "$1.00" and applies on "Chevre" product
        When I view "Young chevre" variant of the "Chevre" product
        Then I should see this variant is discounted from "$10.00" to "$4.50" with "Amount" and "Part" promotions
        When I view product "Rioja"
        Then I should see this product has no catalog promotion applied

    Scenario: A sale of the catalogue that keeps other sales out
        Given there is a catalog promotion "All cheese" with priority 9 that reduces price by "50%" and applies on "Cheese" taxon
        And there is an exclusive catalog promotion "Gouda" with priority 5 that reduces price by "20%" and applies on "Old Gouda" variant
        When I view product "Old Gouda"
        Then I should see the product price "$10.00"
        And I should see the product original price "$12.50"

    Scenario Outline: A sale of the catalogue in its days
        Given it is "<today>" now
        And there is a catalog promotion "Harvest" that reduces price by "10%" and applies on "Rye loaf" product
        And the catalog promotion "Harvest" operates between "2026-09-01" and "2026-09-30"
        When I view product "Rye loaf"
        Then I should see the product price "<price>"

        Examples:
            | today      | price |
            | 2026-08-31 | $4.20 |
            | 2026-09-01 | $3.78 |
            | 2026-10-01 | $4.20 |
